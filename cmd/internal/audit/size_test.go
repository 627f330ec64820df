package audit

import (
	"testing"
	"unsafe"
)

func TestAnEventTakes32Bytes(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(entry{}); size != 32 {
		t.Errorf("an entry takes %d bytes", size)
	}
}
