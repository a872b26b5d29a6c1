"""What tests share: builders of cases, stand-ins, and what they are compared with."""
