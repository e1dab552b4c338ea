"""What only several vantage points together show: journeys, losses between places, translated addresses."""
