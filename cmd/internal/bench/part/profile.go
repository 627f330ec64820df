package part

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiled runs f, and writes a CPU profile and an allocation profile of it to files that begin with prefix.
func profiled(prefix string, f func() error) error {
	if prefix == "" {
		return f()
	}
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
		return fmt.Errorf("make room for profiles: %w", err)
	}
	cpu, err := os.Create(prefix + ".cpu.pprof")
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer cpu.Close()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	if err := f(); err != nil {
		return err
	}
	pprof.StopCPUProfile()
	allocs, err := os.Create(prefix + ".allocs.pprof")
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer allocs.Close()
	return pprof.Lookup("allocs").WriteTo(allocs, 0)
}
