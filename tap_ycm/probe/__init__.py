"""The probe: asks a YCM a few harmless questions, and says how it behaves. ``docs/probe.md`` is for who runs it."""
