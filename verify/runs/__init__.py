"""Programs and machine code run and compared: input spaces, costs, divergence, hand-worked examples, temperature."""
