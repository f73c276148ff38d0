// Frontend is a TLS server of Go's crypto/tls that asks every client for a certificate, as the frontend
// of Temporal Cloud does. It reads one case a line, in JSON, and answers with the address where it waits
// for one client; when that client is gone it says `ok`, or `refused: ` and the reason in Go's words. If
// the case is open to many, it serves clients until there is one more line, and says `ok`.
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
	// Whether many clients come, of whom nothing is said.
	Many bool
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
		if h.Many {
			go func() {
				for {
					connection, err := listener.Accept()
					if err != nil {
						return
					}
					go serve(connection, config)
				}
			}()
			var end struct{}
			if err := cases.Decode(&end); err != nil {
				log.Fatal(err)
			}
		} else if err := serveOne(listener, config); err != nil {
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

func serveOne(listener net.Listener, config *tls.Config) error {
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	return serve(connection, config)
}

// serve shakes hands with one client, and reads one byte from it.
func serve(connection net.Conn, config *tls.Config) error {
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	server := tls.Server(connection, config)
	if err := server.Handshake(); err != nil {
		return err
	}
	_, err := io.ReadFull(server, make([]byte, 1))
	return err
}
