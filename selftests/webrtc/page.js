// SPDX-License-Identifier: GPL-2.0-only
// What runs inside of the browser.  Injected into about:blank.
'use strict';

// The pattern of app.c.
function word(n) {
	return (Math.imul(n, 2654435761) ^ n >>> 7) >>> 0;
}

function pattern(at, len) {
	const words = new Uint32Array(Math.ceil(len / 4));

	for (let i = 0; i < words.length; i++)
		words[i] = word(at / 4 + i);
	return new Uint8Array(words.buffer, 0, len);
}

function once(target, name) {
	return new Promise(done => target.addEventListener(name, done, { once: true }));
}

class Peer {
	constructor(labels, media) {
		this.pc = new RTCPeerConnection();
		this.channels = {};
		for (const label of labels) {
			const c = this.pc.createDataChannel(label);

			c.binaryType = 'arraybuffer';
			c.bufferedAmountLowThreshold = 1 << 20;
			this.channels[label] = c;
		}
		if (media)
			this.sing();
	}

	async offer() {
		await this.pc.setLocalDescription(await this.pc.createOffer());
		while (this.pc.iceGatheringState != 'complete')
			await once(this.pc, 'icegatheringstatechange');
		return this.pc.localDescription.sdp;
	}

	async connect(answer) {
		const open = Object.values(this.channels).map(
			c => c.readyState == 'open' ? null : once(c, 'open'));

		await this.pc.setRemoteDescription({ type: 'answer', sdp: answer });
		await Promise.all(open);
	}

	// A tone, which comes back if somebody sends back what he hears.
	sing() {
		const audio = new AudioContext();
		const tone = audio.createOscillator();
		const out = audio.createMediaStreamDestination();

		tone.connect(out);
		tone.start();
		this.pc.addTrack(out.stream.getAudioTracks()[0], out.stream);
		this.pc.ontrack = e => {
			this.speaker = new Audio();
			this.speaker.srcObject = new MediaStream([e.track]);
			this.speaker.play();
		};
	}

	async heard() {
		for (const s of (await this.pc.getStats()).values())
			if (s.type == 'inbound-rtp')
				return { ...s };
		return null;
	}

	async echo(count) {
		const c = this.channels.echo;
		let good = 0, got = 0;

		await new Promise((done, fail) => {
			c.onclose = () => fail(new Error('closed'));
			c.onmessage = e => {
				const n = got++;
				const size = 1 + (n * 37) % 3000;
				const bytes = typeof e.data == 'string' ? null :
					      new Uint8Array(e.data);
				const want = pattern(4 * n, size);

				// Strings and bytes, by turns.
				if (n % 2 ? e.data === 'message ' + n :
				    bytes && bytes.length == size &&
				    bytes.every((b, i) => b == want[i]))
					good++;
				if (got == count)
					done();
			};
			for (let n = 0; n < count; n++)
				c.send(n % 2 ? 'message ' + n :
				       pattern(4 * n, 1 + (n * 37) % 3000));
		});
		c.onmessage = c.onclose = null;
		return good;
	}

	async sink(total) {
		const c = this.channels.sink, piece = 16384;

		for (let at = 0; at < total; at += piece) {
			if (c.bufferedAmount > 4 << 20)
				await once(c, 'bufferedamountlow');
			c.send(pattern(at, Math.min(piece, total - at)));
		}
		c.send('end');
		return (await once(c, 'message')).data;
	}

	async source(total) {
		const c = this.channels.source;
		let at = 0, bad = 0;

		await new Promise((done, fail) => {
			c.onclose = () => fail(new Error('closed'));
			c.onmessage = e => {
				const bytes = new Uint8Array(e.data);
				const want = pattern(at, bytes.length);

				for (let i = 0; i < bytes.length; i++)
					bad += bytes[i] != want[i];
				at += bytes.length;
				if (at >= total)
					done();
			};
			c.send(String(total));
		});
		c.onmessage = c.onclose = null;
		return at + ' ' + bad;
	}

	async stat() {
		const c = this.channels.stat;

		c.send('?');
		return JSON.parse((await once(c, 'message')).data);
	}

	async transport() {
		for (const s of (await this.pc.getStats()).values())
			if (s.type == 'transport')
				return { ...s };
		return null;
	}

	close() {
		this.pc.close();
	}
}

window.peers = {};
window.Peer = Peer;
