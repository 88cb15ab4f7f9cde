"""One request to YCM: client, token, patience, and what an answer means."""
