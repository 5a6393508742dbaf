#!/bin/bash -eu
# The targets are listed where they are: in the repository.
bash .clusterfuzzlite/build.sh
