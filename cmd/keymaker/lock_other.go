//go:build !unix

package main

import (
	"errors"
	"io/fs"
	"os"
)

// openLock makes a lock file, or says that there is one. Where files cannot be locked, one that a killed run left behind has to be removed by hand.
func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, errHeld
	}
	return file, err
}

// closeLock lets a lock go.
func closeLock(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}
