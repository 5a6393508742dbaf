// Package mmu is one virtual processor's memory management unit.
package mmu
