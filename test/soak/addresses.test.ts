// The addresses of test/simulation, from SEED on for ROUNDS seeds (`make soak`).
for (const name of ['SEED', 'SEEDS']) process.env[`ADDRESSES_${name}`] ??= process.env[`SIM_${name}`] ?? '1'
await import('../simulation/addresses.test.ts')
