//go:build amd64 && !race && !purego && !explore

// The operations with AVX2.

#define ·scan ·scanAVX2
#define ·lookup ·lookupAVX2

#include "scan_amd64.h"
#include "lookup_amd64.h"
