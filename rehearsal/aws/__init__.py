"""Our models of what moto lacks: FSx for Lustre, the metric of its export queue, and Batch. Owns nothing itself."""
