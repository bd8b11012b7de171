// The accidents of test/simulation, from SEED on for ROUNDS seeds of each (`make soak`).
import '../simulation/accidents.test.ts'
