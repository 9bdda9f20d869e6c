"""The page of one incident, the parts of it on other pages, and the API of incidents."""
