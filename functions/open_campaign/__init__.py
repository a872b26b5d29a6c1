"""OpenCampaign: check a campaign's lists and write what its maps work through."""
