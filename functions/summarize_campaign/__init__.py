"""SummarizeCampaign: the report of a campaign as things stand, as JSON and as a page."""
