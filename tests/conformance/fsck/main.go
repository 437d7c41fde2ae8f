// Checks a log with Tessera's fsck, which makes every tile again from the entries and compares it with the one that is
// there. Usage: fsck URL VKEY, where the URL may be of a file.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	place, err := url.Parse(os.Args[1])
	check(err)
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	var log fsck.Fetcher = &client.FileFetcher{Root: place.Path}
	if place.Scheme != "file" {
		log, err = client.NewHTTPFetcher(place, nil)
		check(err)
	}
	check(fsck.New(verifier.Name(), verifier, log, leafHashes, fsck.Opts{N: 4}).Check(context.Background()))
}

func leafHashes(bundle []byte) ([][]byte, error) {
	entries := &api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
