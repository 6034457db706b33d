package specs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	extension    = ".hcl"
	varsFile     = "keymaker.vars.hcl"
	autoVarsFile = ".auto.vars.hcl"
	anyVarsFile  = ".vars.hcl" // read when --var-file names it
)

// source reads files and keeps what it read.
type source struct {
	files  map[string]*hcl.File
	bodies map[string]*hclsyntax.Body
	bytes  int // read so far, of all files
	words  int // tokens, roughly, of all files
	diags  hcl.Diagnostics
	masker masker
}

func newSource() *source {
	return &source{files: make(map[string]*hcl.File), bodies: make(map[string]*hclsyntax.Body)}
}

// FormatFiles lists the files at path that have a canonical layout: the file itself, or the spec files and variable files of the folder, in order of name; with recursive
// also those of the folders inside. What begins with a dot is left out.
func FormatFiles(path string, recursive bool) ([]string, hcl.Diagnostics) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, hcl.Diagnostics{placeless("File not found", "%s: %s. Give a folder, a file, or - for stdin.", path, reason(err))}
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	var diags hcl.Diagnostics
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(e.Name(), ".") && name != path
		switch {
		case err != nil:
			diags = append(diags, placeless("Folder not readable", "%s: %s.", name, reason(err)))
			return fs.SkipDir
		case e.IsDir() && name != path && (hidden || !recursive):
			return fs.SkipDir
		case !e.IsDir() && !hidden && strings.HasSuffix(name, extension):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		diags = append(diags, placeless("Folder not readable", "%s: %s.", path, reason(err)))
	}
	if len(names) == 0 && len(diags) == 0 {
		more := " With --recursive those of the folders inside are formatted too."
		if recursive {
			more = ""
		}
		diags = append(diags, placeless("No spec files", "There is no *.hcl file in the folder %s.%s", path, more))
	}
	return names, diags
}

// find lists the spec files at path, and the folder they are in.
func (s *source) find(path string) (names []string, dir string) {
	if path == "" {
		path = "."
	}
	info, err := os.Stat(path)
	if err != nil {
		s.diags = append(s.diags, placeless("Spec not found", "%s: %s. Give the folder or file that holds the spec.", path, reason(err)))
		return nil, path
	}
	if !info.IsDir() {
		return []string{path}, filepath.Dir(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		s.diags = append(s.diags, placeless("Folder not readable", "%s: %s.", path, reason(err)))
		return nil, path
	}
	for _, e := range entries {
		if !e.IsDir() && isSpecFile(e.Name()) {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) == 0 {
		s.diags = append(s.diags, placeless("No spec files", "There is no *.hcl file in the folder %s (sub-folders are not read). Write one, or give another folder.", path))
	}
	slices.Sort(names)
	return names, path
}

func isSpecFile(name string) bool {
	return strings.HasSuffix(name, extension) && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, anyVarsFile)
}

// variableFiles lists the variable files that are read without being asked for: keymaker.vars.hcl, then *.auto.vars.hcl by name.
func variableFiles(dir string) []string {
	var names []string
	if _, err := os.Stat(filepath.Join(dir, varsFile)); err == nil {
		names = append(names, filepath.Join(dir, varsFile))
	}
	entries, _ := os.ReadDir(dir) // find has reported a folder that is not readable
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), autoVarsFile) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names
}

// parse reads and parses one file; values says that it is a variable file. It gives nil after an error.
func (s *source) parse(name string, values bool) *hclsyntax.Body {
	src, err := readRegular(name, maxSource-s.bytes)
	if err != nil {
		s.diags = append(s.diags, placeless("File not readable", "%s: %s.", name, reason(err)))
		return nil
	}
	s.bytes += len(src)
	shown := &hcl.File{Bytes: src}
	s.files[name] = shown
	s.words += words(src)
	if d := tooMuch(src, name, s.words); d != nil {
		s.diags = append(s.diags, d)
		shown.Bytes = s.masker.broken(src, values)
		return nil
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	s.diags = append(s.diags, diags...)
	body, ok := file.Body.(*hclsyntax.Body)
	if diags.HasErrors() || !ok {
		shown.Bytes = s.masker.broken(src, values)
		return nil
	}
	*shown = *file // what navigates in it, too; of a file that does not parse that may take a secret for a label
	shown.Bytes = s.masker.parsed(src, body)
	s.bodies[name] = body
	return body
}

// readRegular reads a file of at most limit bytes. What is not a regular file is refused: reading a pipe could wait for ever.
func readRegular(name string, limit int) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, limit)
}

func readLimited(r io.Reader, limit int) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(src) > limit {
		return nil, errTooLarge
	}
	return src, err
}

// reason is an error without the path that the message names already.
func reason(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
