"""A campaign on AWS as discrete events: how long, how dear, how wide, and what holds it up."""
