"""What a setting may say, and how it is read: places, destinations, schedules, `.env`."""
