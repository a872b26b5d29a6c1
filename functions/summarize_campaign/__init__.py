"""SummarizeCampaign: write the current report of a campaign, as JSON and as a page."""
