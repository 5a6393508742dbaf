//go:build amd64 && !race && !purego && !explore

// The operations with AVX2.

#define ·scan ·scanAVX2
#define ·lookup ·lookupAVX2
#define ·insert ·insertAVX2
#define ·unique ·uniqueAVX2
#define ·uniqueLocked ·uniqueLockedAVX2
#define ·lookupChunk ·lookupChunkAVX2

#include "scan_amd64.h"
#include "key_amd64.h"
#include "lookup_amd64.h"
#include "insert_amd64.h"
#include "unique_amd64.h"
#include "batch_amd64.h"
