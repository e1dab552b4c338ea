"""The text as a witness: how the command ended, and which strikes would have made it end like that."""
