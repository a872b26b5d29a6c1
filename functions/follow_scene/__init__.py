"""FollowScene: what a campaign does next about one of its scenes."""
