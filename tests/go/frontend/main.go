// Frontend is a TLS server of Go's crypto/tls that asks every client for a certificate, as the frontend
// of Temporal Cloud does. It reads one case a line, in JSON, answers with the address where it waits for
// one client, and when that client is gone with one more line: `ok`, or `refused: ` and the reason in
// Go's words.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// handshake is one case. Certificates are DER, which JSON carries in base64.
type handshake struct {
	Anchors [][]byte
	// The server's own, in PEM.
	Certificate string
	Key         string
	// Seconds since 1970.
	At int64
	// 12 or 13.
	Version int
}

// patience is for a client that never comes, or never speaks.
const patience = 10 * time.Second

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func main() {
	cases := json.NewDecoder(os.Stdin)
	cases.DisallowUnknownFields()
	for {
		var h handshake
		err := cases.Decode(&h)
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		config, err := configuration(h)
		if err != nil {
			log.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(listener.Addr())
		verdict := "ok"
		if err := serve(listener, config); err != nil {
			verdict = "refused: " + lineBreaks.Replace(err.Error())
		}
		listener.Close()
		fmt.Println(verdict)
	}
}

func configuration(h handshake) (*tls.Config, error) {
	certificate, err := tls.X509KeyPair([]byte(h.Certificate), []byte(h.Key))
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	for _, der := range h.Anchors {
		anchor, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("anchor: %w", err)
		}
		clients.AddCert(anchor)
	}
	version := uint16(tls.VersionTLS13)
	if h.Version == 12 {
		version = tls.VersionTLS12
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		MinVersion:   version,
		MaxVersion:   version,
		Time:         func() time.Time { return time.Unix(h.At, 0) },
	}, nil
}

// serve shakes hands with one client, and reads one byte from it.
func serve(listener net.Listener, config *tls.Config) error {
	deadline := time.Now().Add(patience)
	if err := listener.(*net.TCPListener).SetDeadline(deadline); err != nil {
		return err
	}
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	server := tls.Server(connection, config)
	if err := server.Handshake(); err != nil {
		return err
	}
	_, err = io.ReadFull(server, make([]byte, 1))
	return err
}
