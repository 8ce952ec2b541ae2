"""What people and later steps read: evaluation.json, rows.jsonl, model card, report.html."""
