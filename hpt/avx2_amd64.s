//go:build amd64 && !race && !purego && !explore

// The operations with AVX2.

#define ·scan ·scanAVX2
#define ·find ·findAVX2
#define ·place ·placeAVX2
#define ·contend ·contendAVX2
#define ·locked ·lockedAVX2
#define ·lookupChunk ·lookupChunkAVX2
#define ·insertChunk ·insertChunkAVX2

#include "key_amd64.h"
#include "scan_amd64.h"
#include "lookup_amd64.h"
#include "insert_amd64.h"
#include "unique_amd64.h"
#include "batch_amd64.h"
