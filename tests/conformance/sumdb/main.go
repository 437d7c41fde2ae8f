// Checks a receipt with the code that guards Go's module ecosystem, which shares nothing with ours: the signature and
// checkpoint by sumdb/note, the inclusion proof by sumdb/tlog. Usage: sumdb RECEIPT VKEY. Prints the record.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
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

	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	check(err)
	body := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(body[1], 10, 64)
	check(err)

	leaf := sha256.Sum256(append([]byte("usufruct/leaf/v1\n"), opening...))
	check(tlog.CheckRecord(proof, size, tlog.Hash(decode(body[2])), index, tlog.RecordHash(leaf[:])))
	os.Stdout.Write(opening[32:])
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
