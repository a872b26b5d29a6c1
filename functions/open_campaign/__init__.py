"""OpenCampaign: check a campaign's lists and write those that its Map states run."""
