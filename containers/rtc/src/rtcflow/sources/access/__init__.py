"""Access to archives: logins, keys, and shares of a quota."""
