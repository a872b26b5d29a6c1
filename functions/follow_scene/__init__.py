"""FollowScene: decide what a campaign does next with one of its scenes."""
