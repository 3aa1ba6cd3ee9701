"""What people read: a failed trial on a screen (`failure`), the summary of a run (`summary`), tables (`tables`)."""
