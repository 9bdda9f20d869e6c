"""Declaring, classifying, moving, describing and merging incidents."""
