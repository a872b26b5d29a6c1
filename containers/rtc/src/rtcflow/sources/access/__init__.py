"""Access to archives: logins, keys and quotas."""
