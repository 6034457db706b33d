package neo4jtest

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Over any number of restarts nobody else gets a member's port. It is given back when the member does not come up, and at the end.
func TestPortIsKeptOverRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "neo4j.conf")
	s := start(t, &Server{ConfFile: path})
	address := strings.TrimPrefix(s.URL, "bolt://")
	stop, stolen := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				stolen <- n
				return
			default:
			}
			if thief, err := net.Listen("tcp", address); err == nil {
				n++
				thief.Close()
			}
		}
	}()
	for range 50 {
		if err := s.Restart(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if n := <-stolen; n > 0 {
		t.Errorf("somebody else had the port %d times", n)
	}
	writeConf(t, path, "bad=1")
	if err := s.Restart(); err == nil {
		t.Error("a bad file restarts the server")
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		t.Error("somebody listens where no server runs")
		conn.Close()
	}
	writeConf(t, path, "")
	if err := s.Restart(); err != nil {
		t.Error(err)
	}
	wantRows(t, "back", column(t, admin(t, s), "neo4j", "RETURN 1"), []any{int64(1)})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	free, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the port was not given back: %v", err)
	}
	free.Close()
}
