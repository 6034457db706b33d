//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// openLock opens a lock file and locks it, or says that it is held. The file stays when the lock goes: taking it away would let two runs lock two files of one name.
func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, err
}

// closeLock lets a lock go.
func closeLock(file *os.File) {
	_ = file.Truncate(0) // who comes next writes its own name
	_ = file.Close()     // and with it the lock is gone
}
