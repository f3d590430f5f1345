"""Learns the order of candidates: coder/repair/ranking.json, from bugs planted in libraries not kept for measuring."""
