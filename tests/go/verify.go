// Verify judges certificate chains as crypto/tls does in a handshake. It reads one case a line, in
// JSON, and answers each with one line: `ok`, or `refused: ` and the reason in Go's words.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"
)

// chain is one case. Certificates are DER, which JSON carries in base64.
type chain struct {
	Anchors       [][]byte
	Intermediates [][]byte
	Leaf          []byte
	Purpose       string
	// Seconds since 1970.
	At int64
	// A DNS name or an IP address, or empty.
	Name string
}

var usages = map[string]x509.ExtKeyUsage{
	"client": x509.ExtKeyUsageClientAuth,
	"server": x509.ExtKeyUsageServerAuth,
	"any":    x509.ExtKeyUsageAny,
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func main() {
	cases := json.NewDecoder(os.Stdin)
	cases.DisallowUnknownFields()
	for {
		var c chain
		err := cases.Decode(&c)
		if err == io.EOF {
			return
		}
		// A case that is no case must not pass for a chain that was refused.
		if _, known := usages[c.Purpose]; err == nil && !known {
			err = fmt.Errorf("no purpose: %q", c.Purpose)
		}
		if err != nil {
			log.Fatal(err)
		}
		verdict := "ok"
		if err := judge(c); err != nil {
			verdict = "refused: " + lineBreaks.Replace(err.Error())
		}
		// Standard output has no buffer that would have to be flushed.
		fmt.Println(verdict)
	}
}

// judge decides in the order of Conn.processCertsFromClient in crypto/tls/handshake_server.go, and so
// of its twin for servers, Conn.verifyServerCertificate in handshake_client.go.
func judge(c chain) (err error) {
	// The next case is still to be judged.
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()

	roots := x509.NewCertPool()
	for _, der := range c.Anchors {
		anchor, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("anchor: %w", err)
		}
		roots.AddCert(anchor)
	}
	leaf, err := presented(c.Leaf)
	if err != nil {
		return fmt.Errorf("leaf: %w", err)
	}
	intermediates := x509.NewCertPool()
	for _, der := range c.Intermediates {
		// One that cannot be read ends the handshake, even if no chain needs it.
		intermediate, err := presented(der)
		if err != nil {
			return fmt.Errorf("intermediate: %w", err)
		}
		intermediates.AddCert(intermediate)
	}

	_, err = leaf.Verify(x509.VerifyOptions{
		// A server asks for no name of its clients; who gives one here wants it checked.
		DNSName:       c.Name,
		Intermediates: intermediates,
		Roots:         roots,
		CurrentTime:   time.Unix(c.At, 0),
		KeyUsages:     []x509.ExtKeyUsage{usages[c.Purpose]},
	})
	if err != nil {
		return err
	}
	return signsHandshakes(leaf.PublicKey)
}

// maxRSABits mirrors checkKeySize in crypto/tls/handshake_client.go.
const maxRSABits = 8192

// presented reads a certificate that the other side of a handshake sent. The size of every such key is
// checked, wherever it stands in the chain, but not the size of an anchor's.
func presented(der []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if key, ok := certificate.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
		return nil, fmt.Errorf("tls: certificate containing RSA key larger than %d bits", maxRSABits)
	}
	return certificate, nil
}

// signsHandshakes mirrors the kinds of key at the end of Conn.processCertsFromClient. With ML-DSA the
// handshake has to be TLS 1.3; with P-224, TLS 1.2, by signatureSchemesForPublicKey in
// crypto/tls/auth.go. Either passes here.
func signsHandshakes(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *mldsa.PublicKey:
		return nil
	case *rsa.PublicKey:
		// Verifying a chain does not use its leaf's key. The handshake does, and there crypto/rsa refuses
		// short keys (checkPublicKeySize), and some moduli and exponents (checkPublicKey in
		// crypto/internal/fips140/rsa). A key that passes only finds the signature wrong.
		err := rsa.VerifyPKCS1v15(key, crypto.SHA256, make([]byte, 32), make([]byte, key.Size()))
		if errors.Is(err, rsa.ErrVerification) {
			return nil
		}
		return fmt.Errorf("leaf's key: %w", err)
	default:
		return fmt.Errorf("tls: certificate contains an unsupported public key of type %T", key)
	}
}
