// OmniWitness's own parts, which share nothing with ours: its witness before our node, its client and a log of the merkle
// library before our witness, and the formats library's reader under what both sides signed.
//
//	omniwitness key NAME                 prints a new signing key, and its verifier keys as a log's and as a witness's
//	omniwitness serve KEY LOG            witnesses the log with that verifier key; prints where it listens
//	omniwitness check NOTE LOG WITNESS…  the size in a note, if the log and every witness signed it
//	omniwitness submit URL KEY LOG WITNESS  grows a log with that key before a witness, rightly and wrongly; prints answers
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"

	formats "github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	merkle "github.com/transparency-dev/merkle/testonly"
	client "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	log.SetFlags(0)
	switch arguments := os.Args[2:]; os.Args[1] {
	case "key":
		key(arguments[0])
	case "serve":
		serve(arguments[0], arguments[1])
	case "check":
		read(arguments[0], arguments[1], arguments[2:])
	case "submit":
		submit(arguments[0], arguments[1], arguments[2], arguments[3])
	}
}

func key(name string) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	check(err)
	cosigning, err := cosignatures.VKeyToCosignatureV1(public)
	check(err)
	fmt.Println(private)
	fmt.Println(public)
	fmt.Println(cosigning)
}

func serve(private, logKey string) {
	signer, err := cosignatures.NewSignerForCosignatureV1(private)
	check(err)
	known, err := note.NewVerifier(logKey)
	check(err)
	made, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return known, origin == known.Name(), nil
		},
	})
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println("http://" + listener.Addr().String())
	http.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(made).AddCheckpoint)
	check(http.Serve(listener, nil))
}

func read(path, logKey string, witnesses []string) {
	text, err := os.ReadFile(path)
	check(err)
	fmt.Println(opened(text, logKey, witnesses...))
}

// opened is the size that the log and every witness signed for.
func opened(text []byte, logKey string, witnesses ...string) uint64 {
	origin, err := note.NewVerifier(logKey)
	check(err)
	var verifiers []note.Verifier
	for _, vkey := range witnesses {
		verifier, err := cosignatures.NewVerifierForCosignatureV1(vkey)
		check(err)
		verifiers = append(verifiers, verifier)
	}
	checkpoint, _, signed, err := formats.ParseCheckpoint(text, origin.Name(), origin, verifiers...)
	check(err)
	if len(signed.Sigs) != 1+len(witnesses) {
		log.Fatalf("%d of %d signatures verify", len(signed.Sigs), 1+len(witnesses))
	}
	return checkpoint.Size
}

func submit(address, private, logKey, witnessKey string) {
	signer, err := note.NewSigner(private)
	check(err)
	prefix, err := url.Parse(address)
	check(err)
	asked := client.NewWitness(prefix, http.DefaultClient)
	tree, forked := merkle.New(rfc6962.DefaultHasher), merkle.New(rfc6962.DefaultHasher)
	for number := range 1000 {
		tree.AppendData(fmt.Append(nil, number))
		forked.AppendData(fmt.Append(nil, number%500))
	}
	for _, step := range []struct {
		tree     *merkle.Tree
		old, new uint64
	}{{tree, 0, 3}, {tree, 3, 256}, {tree, 256, 777}, {tree, 256, 900}, {forked, 777, 900}, {tree, 777, 777}, {tree, 777, 1000}} {
		proof, err := step.tree.ConsistencyProof(step.old, step.new)
		check(err)
		stated := formats.Checkpoint{Origin: signer.Name(), Size: step.new, Hash: step.tree.HashAt(step.new)}
		text, err := note.Sign(&note.Note{Text: string(stated.Marshal())}, signer)
		check(err)
		lines, last, err := asked.Update(context.Background(), step.old, text, proof)
		switch {
		case err == nil:
			fmt.Println("signed", opened(append(text, lines...), logKey, witnessKey))
		case errors.Is(err, witness.ErrCheckpointStale):
			fmt.Println("stale", last)
		default:
			fmt.Println(err)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
