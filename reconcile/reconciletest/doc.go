// Package reconciletest holds what every [reconcile.System] must pass, and the engine's stages in one call for tests.
//
//	suite.go     Run: the conformance suite
//	converge.go  Plan and Converge: the stages from read to apply
//	allocated.go Allocated: how many bytes a call allocates
//	memory.go    Memory: a system backed by a map, for tests of the engine itself
package reconciletest
