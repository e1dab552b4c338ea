"""What several places show together: how far packets came, and what a translation did to them."""
