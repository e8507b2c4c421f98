"""What a campaign that is planned would meet: running campaigns, shoppers on lists, the baskets of the past."""
