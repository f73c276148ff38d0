// Keypair reads certificates and keys as a TLS client in Go does, with crypto/tls's X509KeyPair. It reads
// one case a line, in JSON, and answers `ok`, or `refused: ` and the reason in Go's words.
package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

// pair is one case, in PEM.
type pair struct {
	Certificate string
	Key         string
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func main() {
	cases := json.NewDecoder(os.Stdin)
	for {
		var it pair
		if err := cases.Decode(&it); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if _, err := tls.X509KeyPair([]byte(it.Certificate), []byte(it.Key)); err != nil {
			fmt.Println("refused: " + lineBreaks.Replace(err.Error()))
		} else {
			fmt.Println("ok")
		}
	}
}
