// The accidents of test/simulation, from SEED on for ROUNDS seeds of each (`make soak`).
for (const name of ['SEED', 'SEEDS']) process.env[`ACCIDENTS_${name}`] ??= process.env[`SIM_${name}`] ?? '1'
await import('../simulation/accidents.test.ts')
