"""The list of incidents: filters, columns, figures, exports."""
