// Records the RTP that arrives on a UDP address in rtptools' format: rtpdump ADDRESS FILE. It ends when nothing arrives for 10 s.
//
// Pion's implementation writes the format, so that our reader is tested with a foreign writer.
package main

import (
	"log"
	"net"
	"os"
	"time"

	"github.com/pion/webrtc/pkg/media/rtpdump"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	socket, err := net.ListenPacket("udp4", os.Args[1])
	check(err)
	file, err := os.Create(os.Args[2])
	check(err)
	defer file.Close()
	begun := time.Now()
	local := socket.LocalAddr().(*net.UDPAddr)
	header := rtpdump.Header{Start: begun.UTC(), Source: local.IP, Port: uint16(local.Port)}
	dump, err := rtpdump.NewWriter(file, header)
	check(err)
	datagram := make([]byte, 2048)
	for {
		check(socket.SetReadDeadline(time.Now().Add(10 * time.Second)))
		n, _, err := socket.ReadFrom(datagram)
		if err != nil {
			return
		}
		check(dump.WritePacket(rtpdump.Packet{Offset: time.Since(begun), Payload: datagram[:n]}))
	}
}
