package neo4j

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"

	"keymaker/reconcile"
)

// backupSuffix is appended to neo4j.conf's name for the copy that is kept of the file as it was before the last write.
const backupSuffix = ".keymaker-backup"

// newConfMode is the mode of a neo4j.conf that was not there: it names no secret, and the server's user has to read it.
const newConfMode = 0o644

// secretConfMode is the mode of one that is made and holds a secret.
const secretConfMode = 0o600

// doWriteConf writes Keymaker's lines. Lines that already say what they should are left alone, so that a second try is no change; lines that say neither
// that nor what the plan saw are somebody else's work, and refused.
func (s *System) doWriteConf(w WriteConf, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	f, err := s.rewrite(w, resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	if f.changed == 0 {
		return reconcile.Outcome{Said: "already written"}, nil
	}
	if err := replace(w.File, f.old, f.data, f.mode); err != nil {
		return reconcile.Outcome{}, err
	}
	return reconcile.Outcome{Said: countLines(f.changed) + " of " + w.File}, nil
}

// rewritten is a file before and after edits. A file that is not there has nil for old.
type rewritten struct {
	old, data []byte
	mode      fs.FileMode
	changed   int // edits that say something new
}

// rewrite reads the file and makes the edits, and writes nothing.
func (s *System) rewrite(w WriteConf, resolve reconcile.Resolver) (f rewritten, err error) {
	if f.old, f.mode, err = readForWrite(w.File); err != nil {
		return f, err
	}
	conf, err := ReadConf(f.old)
	if err != nil {
		return f, inFile(w.File, err)
	}
	lines := conf.Managed()
	for _, e := range w.Edits {
		next, err := s.applyEdit(e, w.File, conf, lines, resolve)
		if err != nil {
			return f, err
		}
		if len(next) != len(lines) || !sameLines(next, lines) {
			f.changed++
		}
		lines = next
	}
	if err := w.checkMode(f.old, &f.mode); err != nil || f.changed == 0 {
		return f, err
	}
	if f.data, err = RewriteConf(f.old, lines); err != nil {
		return f, inFile(w.File, err)
	}
	return f, nil
}

// tryConf says beforehand what would keep edits from being written: a value that the file cannot hold, or a mode that lets others read a secret. What is not known yet, and
// secrets that cannot be opened where the plan is made, are taken to be fine.
func (s *System) tryConf(edits []ConfEdit) error {
	if s.confFile == "" || len(edits) == 0 {
		return nil
	}
	w := WriteConf{File: s.confFile, Edits: slices.Clone(edits)}
	for i, e := range w.Edits {
		if !s.client.canOpen(e.Secrets) {
			w.Edits[i].Secrets = nil // its text has the origins then
		}
	}
	if _, err := s.rewrite(w, func(reconcile.Ref) (reconcile.Value, bool) { return reconcile.Text("unknown"), true }); err != nil {
		return err
	}
	old, mode, err := readForWrite(s.confFile)
	if err != nil {
		return err
	}
	return WriteConf{File: s.confFile, Edits: edits}.checkMode(old, &mode)
}

// checkMode refuses to put a secret where others can read it. A file that is made gets a mode of its own.
func (w WriteConf) checkMode(old []byte, mode *fs.FileMode) error {
	if !slices.ContainsFunc(w.Edits, func(e ConfEdit) bool { return len(e.Secrets) > 0 }) {
		return nil
	}
	if old == nil {
		*mode = secretConfMode
	}
	if *mode&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("write conf_file: token_secrets would stand in %s, which others than its owner can read (mode %04o): make the server's user its owner and run chmod 600 on it", w.File, *mode)
}

func shownLine(e ConfEntry) string {
	if holdsSecrets(attrOf(e.Key)) {
		return hiddenValue
	}
	return strings.TrimSpace(e.Value)
}

func countLines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

func sameLines(a, b []ConfLine) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// readForWrite reads the file that is to be replaced; one that is not there is empty.
func readForWrite(file string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newConfMode, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("write conf_file: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, fmt.Errorf("write conf_file: %w", err)
	}
	return data, info.Mode().Perm(), nil
}

// replace puts new content in a file's place at one moment, after keeping the old one beside it. Mode and owner stay, and a symbolic link stays one: its
// target is replaced.
func replace(file string, old, data []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	if old != nil {
		if err := writeAtomic(file+backupSuffix, file, old, mode); err != nil {
			return fmt.Errorf("keep a backup of conf_file: %w", err)
		}
	}
	if err := writeAtomic(file, file, data, mode); err != nil {
		return fmt.Errorf("write conf_file: %w", err)
	}
	return nil
}

func writeAtomic(file, ownerOf string, data []byte, mode fs.FileMode) error {
	f, err := renameio.NewPendingFile(file, renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if info, err := os.Stat(ownerOf); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			_ = f.Chown(int(st.Uid), int(st.Gid)) // only root may; for anybody else the file is theirs already
		}
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// applyEdit makes the edit on the block's lines.
func (s *System) applyEdit(e ConfEdit, file string, conf Conf, lines []ConfLine, resolve reconcile.Resolver) ([]ConfLine, error) {
	entry, exists := conf.Lookup(e.Key)
	if exists && !entry.Managed {
		return nil, outsideBlock(file, entry)
	}
	value, keep, err := s.lineFor(e, entry, exists, resolve)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", file, e.Key, err)
	}
	isList := e.Add != "" || e.Drop != ""
	done := exists == keep && (!keep || entry.Value == value)
	if !isList && !done && !(exists == (e.Was != nil) && (!exists || fingerprint(e.Key, entry.Value) == *e.Was)) {
		return nil, fmt.Errorf("%s line %d: %s was changed since the plan was made: plan again", file, entry.Line, e.Key)
	}
	return setLine(lines, e.Key, value, keep), nil
}

// lineFor is what the line shall say; keep is false when there shall be none.
func (s *System) lineFor(e ConfEdit, entry ConfEntry, exists bool, resolve reconcile.Resolver) (value string, keep bool, err error) {
	if e.Add != "" || e.Drop != "" {
		was := e.Base
		if exists {
			was = ParseSettingList(entry.Value)
		}
		value, err = PrintSettingList(e.list(was))
		return value, !e.isDefault(was), err
	}
	if e.Value == nil || isEmpty(e.Value) {
		return "", false, nil
	}
	value, _, err = s.client.text(e.Value, e.Secrets, resolve)
	return value, true, err
}

// setLine replaces a key's line where it stands, appends it, or takes it out.
func setLine(lines []ConfLine, key, value string, keep bool) []ConfLine {
	var out []ConfLine
	found := false
	for _, l := range lines {
		if l.Key != key {
			out = append(out, l)
			continue
		}
		if keep && !found {
			out = append(out, ConfLine{key, value})
		}
		found = true
	}
	if keep && !found {
		out = append(out, ConfLine{key, value})
	}
	return out
}

// outsideBlock says that a setting stands where Keymaker does not write.
func outsideBlock(file string, e ConfEntry) error {
	return fmt.Errorf("%s line %d: %s stands outside Keymaker's block, and Neo4j does not start with a duplicate: remove that line, then plan again (its value was %s)",
		file, e.Line, e.Key, shownLine(e))
}
