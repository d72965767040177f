"""Pools of synthetic images, their ledgers, and making a pool's image again."""
