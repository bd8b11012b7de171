// The simulation of test/simulation, from SEED on for ROUNDS seeds of each shape (`make soak`).
import '../simulation/mesh.test.ts'
