"""The pages of the incidents app: incidents, their postmortems, their action items. Doors: each makes one call."""
