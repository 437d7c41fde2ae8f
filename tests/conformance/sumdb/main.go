// Checks receipts and logs with the code that guards Go's module ecosystem, which shares nothing with ours: signatures and
// checkpoints by sumdb/note, tiles and proofs by sumdb/tlog.
//
//	sumdb receipt FILE VKEY               prints the record
//	sumdb log FOLDER VKEY [CHECKPOINT]…   every entry, and that the log goes on from the checkpoints; prints its size
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[3])
	check(err)
	switch os.Args[1] {
	case "receipt":
		checkReceipt(os.Args[2], verifier)
	case "log":
		checkLog(os.Args[2], verifier, os.Args[4:])
	default:
		fail("what is to be checked?")
	}
}

func checkReceipt(path string, verifier note.Verifier) {
	text, err := os.ReadFile(path)
	check(err)
	head, checkpoint, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		fail("no checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	opening := decode(strings.TrimPrefix(lines[1], "extra "))
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check(err)
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, tlog.Hash(decode(line)))
	}
	tree := open(checkpoint, verifier)
	leaf := sha256.Sum256(append([]byte("usufruct/leaf/v1\n"), opening...))
	check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf[:])))
	os.Stdout.Write(opening[32:])
}

func checkLog(folder string, verifier note.Verifier, kept []string) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	tree := open(text, verifier)
	hashes := tlog.TileHashReader(tree, tiles{folder})
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		var indexes []int64
		for entry := first; entry < first+width; entry++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, entry))
		}
		proven, err := hashes.ReadHashes(indexes) // against the signed root
		check(err)
		data, err := os.ReadFile(filepath.Join(folder, place(tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)})))
		check(err)
		for i, hash := range proven {
			size := int(binary.BigEndian.Uint16(data))
			if tlog.RecordHash(data[2:2+size]) != hash {
				fail(fmt.Sprintf("entry %d is not in the tree", first+int64(i)))
			}
			data = data[2+size:]
		}
		if len(data) != 0 {
			fail("there is more in a bundle than its entries")
		}
		proof, err := tlog.ProveRecord(tree.N, first, hashes)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, first, proven[0]))
	}
	for _, path := range kept {
		text, err := os.ReadFile(path)
		check(err)
		old := open(text, verifier)
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	}
	fmt.Println(tree.N)
}

// tiles is a tlog.TileReader of a folder.
type tiles struct{ folder string }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.folder, place(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// place is where C2SP puts a tile: the same path without the height, which is fixed, and with another word for data.
func place(tile tlog.Tile) string {
	return "tile/" + strings.Replace(strings.TrimPrefix(tile.Path(), "tile/8/"), "data/", "entries/", 1)
}

// open is the tree that a signed checkpoint is of.
func open(checkpoint []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	check(err)
	body := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(body[1], 10, 64)
	check(err)
	return tlog.Tree{N: size, Hash: tlog.Hash(decode(body[2]))}
}

func decode(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
