"""What an operator may write: settings of the daemon and configurations of projects."""
